# tide_floor_test(PROGRAM FLOOR FILE LABEL): a test that links FLOOR's whole archive and the lower
# ones, and nothing else of the library: what a floor calls upward does not link.
#
# test_fake_X.c runs on tests/support/fake_os.c instead of the real system: the rest of src/os is
# linked, its os_linux*.c is not.

find_package(Threads REQUIRED)
set(tide_support_dir ${PROJECT_SOURCE_DIR}/tests/support)

# As the floors see it, with their flags: it implements os.h.
file(GLOB tide_fake_files CONFIGURE_DEPENDS ${tide_support_dir}/fake_os*.c)
add_library(tide_fake_os STATIC EXCLUDE_FROM_ALL ${tide_fake_files})
target_link_libraries(tide_fake_os PRIVATE tide_flags)
target_include_directories(tide_fake_os PUBLIC ${PROJECT_SOURCE_DIR})

file(GLOB tide_support_files CONFIGURE_DEPENDS ${tide_support_dir}/*.c)
list(REMOVE_ITEM tide_support_files ${tide_fake_files})
add_library(tide_floor_support STATIC ${tide_support_files})
target_link_libraries(tide_floor_support PRIVATE tide_warnings)
target_compile_definitions(tide_floor_support PRIVATE _GNU_SOURCE)
target_include_directories(tide_floor_support PUBLIC ${PROJECT_SOURCE_DIR})

# The program alone, for tests that are called in a way of their own.
function(tide_floor_program program highest file)
    cmake_path(GET file STEM stem)
    list(FIND TIDE_FLOORS ${highest} last)
    math(EXPR count "${last} + 1")
    list(SUBLIST TIDE_FLOORS 0 ${count} archives)
    list(TRANSFORM archives PREPEND tide_)
    if(stem MATCHES "^test_fake_")
        list(APPEND archives tide_fake_os)
    elseif(NOT highest STREQUAL base)
        list(APPEND archives tide_os_linux)
    endif()
    list(JOIN archives "," archives)
    add_executable(${program} ${file})
    target_link_libraries(${program} PRIVATE tide_warnings tide_floor_support Threads::Threads
        $<LINK_LIBRARY:WHOLE_ARCHIVE,${archives}>)
    target_compile_options(${program} PRIVATE -fno-builtin)
    target_compile_definitions(${program} PRIVATE _GNU_SOURCE
        $<$<BOOL:${TIDE_DEBUG}>:TIDE_DEBUG=1> $<$<BOOL:${TIDE_PREFIX}>:TIDE_PREFIX=${TIDE_PREFIX}>)
endfunction()

function(tide_floor_test program highest file label)
    tide_floor_program(${program} ${highest} ${file})
    add_test(NAME ${program} COMMAND ${program})
    set_tests_properties(${program} PROPERTIES
        LABELS ${label} TIMEOUT 600 SKIP_RETURN_CODE 77)
endfunction()
