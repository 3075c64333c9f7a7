want("one series:\n  \\+1: 14[0-9] to 1[45][0-9], median 14[0-9]\n")
want("2 series at once\n")
want("three months later:\n  \\+1: 16[0-9] to 1[67][0-9], median 16[0-9]\n")
