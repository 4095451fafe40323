# Flags of everything built here. tide_flags carries those of the library's own sources.

add_library(tide_flags INTERFACE)
add_library(tide_warnings INTERFACE)  # tests and tools link this alone

target_compile_options(tide_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wundef -Wformat=2 -Wvla)
if(TIDE_WERROR)
    target_compile_options(tide_warnings INTERFACE -Werror)
endif()

# -fno-builtin: the compiler must not recognise malloc + memset in our calloc and call calloc.
# initial-exec: the thread-local block is part of every thread from its start, no call reaches it.
set(TIDE_CODE_FLAGS
    -fno-builtin -fno-plt -fPIC -fvisibility=hidden -ftls-model=initial-exec
    -fno-semantic-interposition -ffunction-sections -fdata-sections)
# Return addresses that the processor checks. "return" alone on x86: the other half of
# cf-protection, a mark at the head of every function, would be an instruction in malloc and free.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
check_c_compiler_flag(-fcf-protection=return TIDE_HAVE_CF_PROTECTION)
if(TIDE_HAVE_CF_PROTECTION AND NOT TIDE_SANITIZE)
    list(APPEND TIDE_CODE_FLAGS -fcf-protection=return)
    # libc's start files are not all marked, and what they do is no obstacle.
    check_linker_flag(C LINKER:-z,shstk TIDE_HAVE_Z_SHSTK)
endif()
# Deep slow paths run on threads with the smallest legal stack. Sanitizers widen every frame.
set(TIDE_FRAME_FLAGS -Wframe-larger-than=1024)

target_compile_options(tide_flags INTERFACE ${TIDE_CODE_FLAGS}
    -Wconversion -Wno-sign-conversion -Wwrite-strings)
if(NOT TIDE_SANITIZE)
    target_compile_options(tide_flags INTERFACE ${TIDE_FRAME_FLAGS} -fstack-usage)
endif()
target_link_libraries(tide_flags INTERFACE tide_warnings)
target_include_directories(tide_flags INTERFACE
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
# NDEBUG: assert in liburcu's headers would pull in stdio; TIDE_DEBUG switches our own promises.
target_compile_definitions(tide_flags INTERFACE _GNU_SOURCE _LGPL_SOURCE NDEBUG)
if(TIDE_DEBUG)
    target_compile_definitions(tide_flags INTERFACE TIDE_DEBUG=1)
endif()

if(TIDE_PREFIX)
    target_compile_definitions(tide_flags INTERFACE TIDE_PREFIX=${TIDE_PREFIX})
    add_compile_definitions(TIDE_PREFIXED)  # the tests' word for it
endif()

if(TIDE_SANITIZE)
    if(NOT TIDE_PREFIX)
        message(FATAL_ERROR "A sanitizer brings its own malloc: set TIDE_PREFIX, e.g. to tp_")
    endif()
    add_compile_options(-fsanitize=${TIDE_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${TIDE_SANITIZE})
    set(TIDE_LTO OFF)
endif()

set(TIDE_USE_LTO OFF)
if(TIDE_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT TIDE_USE_LTO OUTPUT lto_problem LANGUAGES C)
    if(NOT TIDE_USE_LTO)
        message(STATUS "LTO: not with this compiler and linker")
    endif()
endif()

# Of liburcu only inline code is used, by src/os; nothing links it. Its headers are the same for
# all machines, so they are reached through a folder of their own: a cross compiler or another libc
# must not see the rest of the host's headers.
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
    pkg_get_variable(TIDE_URCU_HINT liburcu includedir)
endif()
find_path(TIDE_URCU_INCLUDE urcu/wfstack.h
          HINTS ${TIDE_URCU_HINT} PATH_SUFFIXES ${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu
          PATHS /usr/include /usr/local/include NO_CMAKE_FIND_ROOT_PATH)
if(NOT TIDE_URCU_INCLUDE)
    message(FATAL_ERROR "urcu/wfstack.h not found: install liburcu's headers (liburcu-dev)")
endif()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/liburcu)
file(CREATE_LINK ${TIDE_URCU_INCLUDE}/urcu ${PROJECT_BINARY_DIR}/liburcu/urcu SYMBOLIC)
add_library(tide_urcu INTERFACE)
target_include_directories(tide_urcu SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/liburcu)

# The kernel's headers, for a libc whose compiler does not see the host's (musl-gcc).
include(CheckIncludeFile)
check_include_file(linux/futex.h TIDE_HAVE_KERNEL_HEADERS)
if(NOT TIDE_HAVE_KERNEL_HEADERS)
    foreach(folder linux asm asm-generic)
        find_path(TIDE_KERNEL_${folder} ${folder}/errno.h
                  PATHS /usr/include /usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu
                  NO_DEFAULT_PATH REQUIRED)
        file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/kernel)
        file(CREATE_LINK ${TIDE_KERNEL_${folder}}/${folder} ${PROJECT_BINARY_DIR}/kernel/${folder}
             SYMBOLIC)
    endforeach()
    include_directories(SYSTEM ${PROJECT_BINARY_DIR}/kernel)
endif()
