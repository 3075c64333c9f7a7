// As much of Apple's header as xlstm/base/*_macos.cpp needs, from its manual page dyld(3).
#pragma once

#include <cstdint>

// Writes the path of the program, where it and its end fit in *size bytes; else only says in *size
// how many it needs, and returns -1.
extern "C" int _NSGetExecutablePath(char* path, std::uint32_t* size);
