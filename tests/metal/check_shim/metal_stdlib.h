// Declarations of the same part of Metal's library as ../shim has, for clang as C++ for OpenCL,
// where the words for address spaces are real: nothing here is ever run. bfloat is half, which has
// its size and its place, and which a float becomes by itself: ../shim tells where bfloat does not.
#pragma once

#define device __global
#define threadgroup __local
#define constant __constant
#define thread __private
#define METAL_FUNC inline __attribute__((always_inline))

#include "atomic.h"
#include "math.h"
#include "simdgroup.h"
#include "words.h"

using namespace metal;
using float16_t = half;
using bfloat16_t = bfloat;
