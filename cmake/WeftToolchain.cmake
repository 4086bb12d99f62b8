# Compiler settings shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(weft_options INTERFACE)
target_compile_options(weft_options INTERFACE -Wall -Wextra -Werror -Wno-unused-parameter -Wnon-virtual-dtor -Woverloaded-virtual)

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Thin debug information: readable stack traces at a fifth of the cost of -g.
    target_compile_options(weft_options INTERFACE -gline-tables-only)
endif()

if(WEFT_SANITIZE)
    # clang 14 cannot emit the function-type check for coroutines ("difference across sections").
    add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -fno-sanitize=function)
    add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

if(WEFT_FUZZ)
    # Everywhere, or the fuzzer would not see which ways through the libraries its inputs take.
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(WEFT_LLD NAMES ld.lld)
if(WEFT_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_link_options(-fuse-ld=lld)
endif()

find_program(WEFT_CCACHE ccache)
if(WEFT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime)
    # The cache stays in the checkout, unless the environment names a place.
    if(NOT DEFINED ENV{CCACHE_DIR})
        list(APPEND CMAKE_CXX_COMPILER_LAUNCHER CCACHE_DIR=${CMAKE_SOURCE_DIR}/build/ccache)
    endif()
    list(APPEND CMAKE_CXX_COMPILER_LAUNCHER ${WEFT_CCACHE})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        # A time stamp inside the precompiled header would make every build a cache miss.
        add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()
