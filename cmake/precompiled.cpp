// Nothing but what cmake/Precompiled.cmake has compiled before it.
