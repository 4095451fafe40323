# What `cmake --install` puts where, and how other projects find it.
include(CMakePackageConfigHelpers)

install(TARGETS tidemalloc tidemalloc_static EXPORT tidemalloc
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET tidemalloc_deepbind)
    install(TARGETS tidemalloc_deepbind LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES ${PROJECT_SOURCE_DIR}/include/tidemalloc.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The tool finds its modules from its own place: ../share/tidemalloc/lib.
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/tide DESTINATION bin)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tools/lib/tide_tool DESTINATION share/tidemalloc/lib
        FILES_MATCHING PATTERN "*.py")
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/tide.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tidemalloc)
install(EXPORT tidemalloc NAMESPACE tidemalloc:: FILE tidemallocTargets.cmake
        DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tidemallocConfig.cmake.in
    ${PROJECT_BINARY_DIR}/tidemallocConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tidemallocConfigVersion.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tidemallocConfig.cmake
              ${PROJECT_BINARY_DIR}/tidemallocConfigVersion.cmake DESTINATION ${package_dir})

# Relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH TIDE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/tidemalloc.pc.in ${PROJECT_BINARY_DIR}/tidemalloc.pc
               @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tidemalloc.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
