# tidemalloc_deepbind  libtidemalloc-deepbind.so, for programs that open plugins with RTLD_DEEPBIND
#                      (tools/deepbind): of glibc alone, and not beside sanitizers, which have a
#                      dlopen of their own
if(TIDE_HAVE_GLIBC AND NOT TIDE_SANITIZE)
    add_library(tidemalloc_deepbind SHARED ${PROJECT_SOURCE_DIR}/tools/deepbind/tide_deepbind.c)
    set_target_properties(tidemalloc_deepbind PROPERTIES OUTPUT_NAME tidemalloc-deepbind)
    target_compile_definitions(tidemalloc_deepbind PRIVATE _GNU_SOURCE)
    target_compile_options(tidemalloc_deepbind PRIVATE -O2 -foptimize-sibling-calls -fno-plt
                           -fvisibility=hidden)
    target_link_libraries(tidemalloc_deepbind PRIVATE ${CMAKE_DL_LIBS})
    target_link_options(tidemalloc_deepbind PRIVATE
        LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed)
endif()
