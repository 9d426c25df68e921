# `cmake --install` and `cpack -G DEB`: what a machine needs that compiles and trains, and builds nothing.
#   PREFIX/lib/incept/bin, lib   programs, runtimes and simulator as in the build tree: they find each other by folder
#   PREFIX/bin                   links to the programs
#   PREFIX/include               the C interface of networks that are shared libraries
#   PREFIX/share                 architecture files, documents, manual page, completion
include(GNUInstallDirs)

set(programs incept incept-opt incept-run incept-translate)
get_property(runtimes GLOBAL PROPERTY INCEPT_STUBS)
set(home lib/incept)
if(INCEPT_CUDA)
  list(APPEND programs incept-sim)
  install(DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/incept-sim ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/incept-driver-stub
    DESTINATION ${home}/lib USE_SOURCE_PERMISSIONS)
endif()
set_target_properties(${programs} ${runtimes} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS ${programs} ${runtimes} RUNTIME DESTINATION ${home}/bin LIBRARY DESTINATION ${home}/bin)
install(FILES runtime/embed/incept.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/links)
foreach(program ${programs})
  set(link ${CMAKE_BINARY_DIR}/links/${program})
  file(CREATE_LINK ../${home}/bin/${program} ${link} SYMBOLIC)
  install(FILES ${link} DESTINATION ${CMAKE_INSTALL_BINDIR})
endforeach()
install(DIRECTORY specs DESTINATION ${CMAKE_INSTALL_DATADIR}/incept)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES tools/incept/incept.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES tools/incept/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME incept)

set(CPACK_PACKAGE_CONTACT "the developers of incept")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compiler from descriptions of convolutional networks to training programs")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # and what is opened at run time
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libdnnl2, libjpeg62-turbo, libspng0")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "llvm-22-tools")
include(CPack)
