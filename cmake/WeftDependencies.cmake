# Debian packages only; deploy/install-deps.sh installs them.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS url json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(CRYPT REQUIRED IMPORTED_TARGET libcrypt)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips>=8.13)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)

# Asio and Beast are compiled once, in weft_network_impl. The macros must be on every target that includes them.
add_library(weft_network INTERFACE)
target_compile_definitions(weft_network INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
    BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(weft_network INTERFACE Boost::headers Boost::url Boost::json OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

add_library(weft_network_impl STATIC ${CMAKE_SOURCE_DIR}/cmake/network_impl.cpp)
target_link_libraries(weft_network_impl PUBLIC weft_network weft_options)

# The server processes allocate by jemalloc: less time, and memory that is given back after a peak. Sanitizers bring their own.
add_library(weft_allocator INTERFACE)
if(NOT WEFT_SANITIZE AND NOT WEFT_FUZZ)
    target_sources(weft_allocator INTERFACE ${CMAKE_SOURCE_DIR}/cmake/allocator.cpp)
    target_link_libraries(weft_allocator INTERFACE PkgConfig::JEMALLOC)
endif()
