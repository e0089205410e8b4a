# weightinit_layer(name
#   DIRECTORY directory                 where its files are, from the root: core/random
#   [SOURCES file...]                   in that directory; none for a layer of headers only
#   [PUBLIC_HEADERS directory header...]  headers that users include: directory/header
#   [PUBLIC target...] [PRIVATE target...]  the layers below and the libraries it uses
#   [GRPC])                             most of its sources include gRPC or the contract
#
# A layer of the tree: an object library that sees its own headers and those of the
# layers it links, and no others, so that an include of a layer above does not compile.
# Its headers stand, as links, in an include directory of the layer's own; what a layer
# includes from the root (core/random/philox.h) is found there. A layer's archive is made
# by weightinit_archive.
function(weightinit_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GRPC" "DIRECTORY" "SOURCES;PUBLIC_HEADERS;PUBLIC;PRIVATE")
  set(view ${PROJECT_BINARY_DIR}/layers/${name})
  file(REMOVE_RECURSE ${view})
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${arg_DIRECTORY}/*.h)
  foreach(header IN LISTS headers)
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE path)
    weightinit_link_header(${header} ${view}/${path})
  endforeach()
  if(arg_PUBLIC_HEADERS)
    list(POP_FRONT arg_PUBLIC_HEADERS directory)
    foreach(path IN LISTS arg_PUBLIC_HEADERS)
      weightinit_link_header(${directory}/${path} ${view}/${path})
    endforeach()
  endif()

  if(arg_SOURCES)
    list(TRANSFORM arg_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${arg_DIRECTORY}/)
    add_library(${name} OBJECT ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} weightinit_build)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    if(arg_GRPC)
      target_precompile_headers(${name} REUSE_FROM weightinit_grpc_headers)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${view})
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  endif()
endfunction()

function(weightinit_link_header header link)
  cmake_path(GET link PARENT_PATH directory)
  file(MAKE_DIRECTORY ${directory})
  file(CREATE_LINK ${header} ${link} SYMBOLIC)
endfunction()

# weightinit_archive(name EXPORT_NAME export LAYERS layer... [PUBLIC target...]
# [PRIVATE target...]): the static library weightinit::export of some layers. Inside this
# project its users see the headers of those layers.
function(weightinit_archive name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPORT_NAME" "LAYERS;PUBLIC;PRIVATE")
  set(views ${arg_LAYERS})
  list(TRANSFORM views REPLACE "(.+)" "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/layers/\\1>")
  set(objects ${arg_LAYERS})
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  add_library(${name} STATIC ${objects})
  add_library(weightinit::${arg_EXPORT_NAME} ALIAS ${name})
  set_target_properties(${name} PROPERTIES
    EXPORT_NAME ${arg_EXPORT_NAME} LINKER_LANGUAGE CXX)
  target_include_directories(${name} PUBLIC ${views})
  target_compile_features(${name} PUBLIC cxx_std_17)
  target_link_libraries(${name}
    PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:weightinit_build>)
endfunction()
