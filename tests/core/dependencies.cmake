# Fails where core/ mentions gRPC, protobuf, flags, logging or a clock.
# usage: cmake -DCORE=<core directory> -P dependencies.cmake
file(GLOB_RECURSE sources ${CORE}/*.h ${CORE}/*.cc ${CORE}/*.in)
list(LENGTH sources count)
if(count LESS 20)
  message(FATAL_ERROR "found only ${count} sources in '${CORE}'")
endif()
foreach(source IN LISTS sources)
  file(STRINGS ${source} lines REGEX
    "grpc[+/]|google/protobuf|\\.pb\\.h|CLI11|CLI/|absl/flags|spdlog|<chrono>|<ctime>|absl/time|getenv")
  foreach(line IN LISTS lines)
    message(SEND_ERROR "${source}: ${line}")
  endforeach()
endforeach()
message(STATUS "${count} sources of core depend on nothing of the service")
