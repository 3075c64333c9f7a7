// Intel's intrinsics, without a warning of GCC's about its own header, and which of them there are.
// Nothing on other processors.
#pragma once

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 finds its own header's "undefined" vectors used uninitialised (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

// Compilers that know AVX-VNNI: GCC from 11 on, clang from 12 on, which is Apple's 13.
#if defined(__clang__) ? __clang_major__ >= 13 : __GNUC__ >= 11
#define XLSTM_HAS_AVX_VNNI
#endif
#endif
