# One static library a folder. Public headers live in include/, sources and private headers in src/; a target sees only
# the headers of what it links, so a forbidden include does not compile.
add_library(weft_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(weft_pch PUBLIC weft_network weft_options fmt::fmt)
target_precompile_headers(weft_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)

function(weft_use_pch target)
    target_precompile_headers(${target} REUSE_FROM weft_pch)
endfunction()

function(weft_add_library name)
    cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp)
    if(NOT sources)
        set(sources ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
    endif()
    add_library(weft_${name} STATIC ${sources})
    add_library(weft::${name} ALIAS weft_${name})
    target_sources(weft_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
    target_include_directories(weft_${name} PRIVATE src)
    target_link_libraries(weft_${name}
        PUBLIC weft_network weft_options fmt::fmt ${ARG_PUBLIC}
        PRIVATE ${ARG_PRIVATE})
    weft_use_pch(weft_${name})
endfunction()
