# Run by CPack when everything else is in place: the settings of the service, outside of the prefix. (file(INSTALL) would
# put DESTDIR before it.)
configure_file(${CMAKE_CURRENT_LIST_DIR}/default ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/etc/default/sparkcron COPYONLY)
