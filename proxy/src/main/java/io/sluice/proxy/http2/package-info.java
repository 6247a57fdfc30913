/**
 * What every connection of HTTP/2 needs beside Netty's codec, whatever its streams are: frames are
 * counted before they cost anything, and windows grow with what is taken. Start at {@link
 * io.sluice.proxy.http2.FrameMeter}.
 */
@NullMarked
package io.sluice.proxy.http2;

import org.jspecify.annotations.NullMarked;
