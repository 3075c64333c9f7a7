want("^matches: (Yes|No), [a-z ]+\\.\n")
want("\nJSON: [ \n]*{[ \n]*\"rank\":[ \n]*\"(captain|mate|cook)\",")
want("\"years at sea\":[ \n]*-?[0-9]+,[ \n]*\"can swim\":[ \n]*(true|false)[ \n]*} \\(complete\\)\n$")
