// As much of Apple's header as xlstm/base/*_macos.cpp needs, from its manual page sysctlbyname(3).
#pragma once

#include <cstddef>

extern "C" int sysctlbyname(const char* name, void* old_value, std::size_t* old_size,
                            void* new_value, std::size_t new_size);
