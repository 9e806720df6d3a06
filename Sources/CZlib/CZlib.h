#include <zlib.h>

/* Macros, which Swift does not see. `16` asks for the gzip format (zlib.h, "inflateInit2"). */
static inline int gzip_inflate_init(z_streamp stream) {
    return inflateInit2(stream, 16 + MAX_WBITS);
}

static inline int gzip_deflate_init(z_streamp stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
