# The CMake package: find_package(weightinit) gives weightinit::core, weightinit::proto and
# weightinit::client; find_package(weightinit COMPONENTS core) the first, and asks for no
# gRPC. A build with WEIGHTINIT_CORE_ONLY installs the component core alone.
include(CMakePackageConfigHelpers)

set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/weightinit)
configure_package_config_file(cmake/weightinitConfig.cmake.in
  ${PROJECT_BINARY_DIR}/weightinitConfig.cmake INSTALL_DESTINATION ${destination})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weightinitConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weightinitConfig.cmake
              ${PROJECT_BINARY_DIR}/weightinitConfigVersion.cmake
  DESTINATION ${destination} COMPONENT development)
install(EXPORT weightinitCoreTargets NAMESPACE weightinit::
  DESTINATION ${destination} COMPONENT development)
if(NOT WEIGHTINIT_CORE_ONLY)
  install(EXPORT weightinitClientTargets NAMESPACE weightinit::
    DESTINATION ${destination} COMPONENT development)
endif()
