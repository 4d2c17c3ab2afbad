# Warnings are errors; release binaries are hardened; test builds are sanitized.
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror
                    -fno-common -fstack-protector-strong -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE ORDERLINE_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR}/common ${PROJECT_SOURCE_DIR})

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection)
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(ORDERLINE_FAILPOINTS)
    add_compile_definitions(ORDERLINE_FAILPOINTS)
endif()
if(ORDERLINE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
elseif(ORDERLINE_TSAN)
    add_compile_options(-fsanitize=thread)
    add_link_options(-fsanitize=thread)
endif()
