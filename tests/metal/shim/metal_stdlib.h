// What stands before a kernel's text: the part of Metal's standard library that is in use, and of
// MLX's prelude the names of its types alone. A kernel that uses more does not compile, which is
// right: what is here was found in the specification of Metal 3.1.
#pragma once

#include "atomic.h"
#include "simdgroup_matrix.h"
#ifdef MSL_CHECKED
#include "hooks.h"
#endif

using namespace metal;
using float16_t = half;
using bfloat16_t = bfloat;

#define device
#define constant
#define threadgroup
#define thread
