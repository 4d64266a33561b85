# `cmake --install` and the Debian package (`cpack` in a release build's folder): programs, man pages, bash completion,
# the service, samples. What is made by running the programs is made at the install, so that it is theirs.
include(GNUInstallDirs)

set(made ${PROJECT_BINARY_DIR}/package)
install(TARGETS sparkcron sparkctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "
  file(MAKE_DIRECTORY ${made})
  foreach(program $<TARGET_FILE:sparkcron> $<TARGET_FILE:sparkctl>)
    get_filename_component(name \${program} NAME)
    execute_process(COMMAND python3 -B ${PROJECT_SOURCE_DIR}/cmake/manual.py \${program} ${made}/\${name}.1
                    COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND gzip --force --best --no-name ${made}/\${name}.1 COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  execute_process(COMMAND $<TARGET_FILE:sparkctl> completion OUTPUT_FILE ${made}/sparkctl COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${PROJECT_SOURCE_DIR}/config/systemd/sparkcron.service unit)
  string(REGEX REPLACE \"^(#[^\\n]*\\n)+\" \"\" unit \"\${unit}\")
  string(REPLACE /usr/local/bin/ \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" unit \"\${unit}\")
  file(WRITE ${made}/sparkcron.service \"\${unit}\")
")
install(FILES ${made}/sparkcron.1.gz ${made}/sparkctl.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/sparkctl DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${made}/sparkcron.service DESTINATION lib/systemd/system)
install(DIRECTORY config/samples config/crd DESTINATION ${CMAKE_INSTALL_DATADIR}/sparkcron FILES_MATCHING PATTERN "*.yaml" PATTERN "*.py")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
# Of what is compiled into the dashboard's pages.
install(FILES monitor/dashboard/web/vendor/LICENSE.htm monitor/dashboard/web/vendor/LICENSE.preact
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the sparkcron developers <sparkcron@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runs Spark applications on a schedule")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "sparkcron turns ScheduledSparkApplication objects into runs, each slot once and on time.
This package runs it as a service of one machine; Spark itself is not in it.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "default-jre-headless, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS bash-completion)
set(debian ${PROJECT_SOURCE_DIR}/cmake/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/preinst ${debian}/postinst ${debian}/prerm ${debian}/postrm ${debian}/conffiles)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# /etc is no part of the prefix, and only a package has conffiles.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/settings.cmake)
include(CPack)
