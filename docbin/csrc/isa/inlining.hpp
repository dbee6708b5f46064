// How the targets ask for a function to be inlined, or not.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define DOCBIN_NOINLINE __declspec(noinline)
#define DOCBIN_INLINE __forceinline
#define DOCBIN_LAMBDA
#else
#define DOCBIN_NOINLINE __attribute__((noinline))
#define DOCBIN_INLINE inline __attribute__((always_inline))
#define DOCBIN_LAMBDA __attribute__((always_inline))
#endif

// Asks for memory before it is read: rows of a page that come in turn are no stream that a processor foresees, for each ends in the midst of it.
#if defined(__GNUC__)
#define DOCBIN_PREFETCH(address) __builtin_prefetch(address)
#else
#define DOCBIN_PREFETCH(address) static_cast<void>(address)
#endif
