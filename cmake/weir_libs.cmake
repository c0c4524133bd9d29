# The libraries of architecture section 7: all from Debian, none vendored.
find_package(PkgConfig REQUIRED)
function(weir_lib var name)
  pkg_check_modules(${var} REQUIRED IMPORTED_TARGET GLOBAL ${name})
  set(${var} PkgConfig::${var} PARENT_SCOPE)
endfunction()
weir_lib(UV libuv)
weir_lib(NGHTTP2 libnghttp2)
weir_lib(SSL openssl)
weir_lib(CURL libcurl)
weir_lib(DEFLATE libdeflate)
weir_lib(ZSTD libzstd)
weir_lib(LZ4 liblz4)
find_library(SNAPPY snappy REQUIRED) # it has no .pc file that names its C interface
weir_lib(PCRE2 libpcre2-8)
weir_lib(YAML yaml-0.1)
weir_lib(CRYPTO libcrypto)
weir_lib(CMOCKA cmocka)

# llhttp: the C sources that Debian's node-llhttp installs.
add_library(llhttp STATIC /usr/share/llhttp/api.c /usr/share/llhttp/http.c
  /usr/share/llhttp/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC /usr/share/include/llhttp)
if(WEIR_FUZZ)
  target_compile_options(llhttp PRIVATE -fsanitize=address,fuzzer-no-link)
endif()
set_target_properties(llhttp PROPERTIES C_CLANG_TIDY "")
