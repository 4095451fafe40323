# The floors as archives (for the tests and the order checks), and the library in its two forms.
#
# tide_FLOOR          archive of src/FLOOR; tests link it whole with the lower ones only, so that a
#                     call upward is an undefined symbol
# tide_os_linux       the implementation of os.h apart from the rest of src/os: tests/support/
#                     fake_os.c can take its place
# tidemalloc          libtidemalloc.so.1
# tidemalloc_static   libtidemalloc.a: one relocatable object, hidden symbols made local

set(TIDE_FLOORS base os conf page heap local entry)
set(TIDE_SOURCES)

function(tide_sources result)  # the files of src/ that match, those that appear later included
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/src/)
    file(GLOB found CONFIGURE_DEPENDS ${ARGN})
    set(${result} ${found} PARENT_SCOPE)
endfunction()

function(tide_compile target kind)
    add_library(${target} ${kind} ${ARGN})
    target_link_libraries(${target} PRIVATE tide_flags tide_urcu)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
endfunction()

# bad_alloc passes through the frames of the C++ operators.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/entry/api_new.c
                            PROPERTIES COMPILE_OPTIONS -fexceptions)
# liburcu takes the address of a member behind the end mark of its stack.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/os/handback.c
                            PROPERTIES COMPILE_OPTIONS -fno-sanitize=alignment)

# What runs at start, at the end or seldom is made small: each page of the library that is touched,
# and its neighbours with it, counts for every process.
if(NOT TIDE_SANITIZE AND NOT TIDE_DEBUG)
    tide_sources(seldom base/text.c os/fail.c os/os_linux*.c conf/*.c page/source*.c page/meta.c
        page/page_heap_walk.c heap/user_heap.c heap/guarded*.c local/pulse.c entry/api_tide.c
        entry/control.c entry/emit.c entry/figures.c entry/foreign.c entry/fork.c entry/init.c
        entry/report.c entry/trim.c)
    set_property(SOURCE ${seldom} APPEND PROPERTY COMPILE_OPTIONS -Os)
endif()

# A canary in the frames of all that reads or builds text: there are the arrays that could overflow.
# The rest, above all what runs between malloc and a bin, has none.
tide_sources(text_sources base/text.c os/fail.c os/os_linux*.c conf/options.c entry/control.c
             entry/emit.c entry/report.c entry/foreign.c entry/init.c entry/figures.c
             heap/guarded_report.c)
if(NOT TIDE_SANITIZE)
    set_property(SOURCE ${text_sources} APPEND PROPERTY COMPILE_OPTIONS -fstack-protector-strong)
endif()

foreach(floor IN LISTS TIDE_FLOORS)
    tide_sources(sources ${floor}/*.c)
    list(APPEND TIDE_SOURCES ${sources})
    if(floor STREQUAL os)
        tide_sources(linux os/os_linux*.c)
        list(REMOVE_ITEM sources ${linux})
        tide_compile(tide_os_linux STATIC ${linux})
    endif()
    tide_compile(tide_${floor} STATIC ${sources})
endforeach()

set(TIDE_FLOOR_OBJECTS)
foreach(floor IN LISTS TIDE_FLOORS ITEMS os_linux)
    list(APPEND TIDE_FLOOR_OBJECTS $<TARGET_OBJECTS:tide_${floor}>)
endforeach()

# --- shared ---------------------------------------------------------------------------------------

if(TIDE_USE_LTO)
    tide_compile(tidemalloc SHARED ${TIDE_SOURCES})
    set_target_properties(tidemalloc PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
    target_link_options(tidemalloc PRIVATE ${TIDE_CODE_FLAGS} ${TIDE_FRAME_FLAGS})
    if(TIDE_WERROR)
        target_link_options(tidemalloc PRIVATE -Werror)
    endif()
else()
    add_library(tidemalloc SHARED ${TIDE_FLOOR_OBJECTS})
    set_target_properties(tidemalloc PROPERTIES LINKER_LANGUAGE C)
endif()
target_include_directories(tidemalloc INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
set_target_properties(tidemalloc PROPERTIES
    SOVERSION 1 VERSION 1.${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
# nodelete: threads and other libraries may free our blocks after a dlclose.
target_link_options(tidemalloc PRIVATE
    LINKER:-z,nodelete LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack
    $<$<NOT:$<BOOL:${TIDE_FUZZ}>>:LINKER:--no-undefined>
    LINKER:--as-needed LINKER:--gc-sections LINKER:--exclude-libs,ALL LINKER:--hash-style=gnu
    $<$<BOOL:${TIDE_HAVE_Z_SHSTK}>:LINKER:-z,shstk>
    LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/tidemalloc.map)
set_property(TARGET tidemalloc APPEND PROPERTY
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/tidemalloc.map)

# --- static ---------------------------------------------------------------------------------------

# The same sources with TIDE_STATIC=1: here the family includes the __libc_ names, so that a static
# program never pulls in libc's own malloc. One object, so that whoever needs one name gets all.
tide_compile(tide_static_parts OBJECT ${TIDE_SOURCES})
target_compile_definitions(tide_static_parts PRIVATE TIDE_STATIC=1)
# libc's headers know attributes of malloc that they do not know of __libc_malloc, its alias here.
target_compile_options(tide_static_parts PRIVATE
    $<$<C_COMPILER_ID:GNU>:-Wno-missing-attributes>)

string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
separate_arguments(join_flags NATIVE_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${build_type}}")
if(TIDE_USE_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU)
    set_target_properties(tide_static_parts PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
    list(APPEND join_flags -flto=auto -flinker-output=nolto-rel
         ${TIDE_CODE_FLAGS} ${TIDE_FRAME_FLAGS})
endif()
set(joined ${PROJECT_BINARY_DIR}/tidemalloc_joined.o)
add_custom_command(OUTPUT ${joined}
    COMMAND ${CMAKE_C_COMPILER} ${join_flags} -r -nostdlib -o ${joined}
            $<TARGET_OBJECTS:tide_static_parts>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${joined}
    DEPENDS $<TARGET_OBJECTS:tide_static_parts> tide_static_parts
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Joining libtidemalloc.a's one object")
add_library(tidemalloc_static STATIC ${joined})
set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
set_target_properties(tidemalloc_static PROPERTIES
    OUTPUT_NAME tidemalloc LINKER_LANGUAGE C EXPORT_NAME static)
target_include_directories(tidemalloc_static INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
add_library(tidemalloc::tidemalloc ALIAS tidemalloc)
add_library(tidemalloc::static ALIAS tidemalloc_static)
