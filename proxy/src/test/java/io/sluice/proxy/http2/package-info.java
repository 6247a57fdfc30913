/** Peers of HTTP/2 that share no code with the codec: frames made of bytes, and h2spec. */
@NullMarked
package io.sluice.proxy.http2;

import org.jspecify.annotations.NullMarked;
