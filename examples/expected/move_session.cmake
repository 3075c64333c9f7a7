want("^saved 8 tokens in [0-9]+ bytes\nloaded 8 tokens\n")
want("\n a king in the city [^\n]+\n")
want("\n a queen of the world, [^\n]+\n")
