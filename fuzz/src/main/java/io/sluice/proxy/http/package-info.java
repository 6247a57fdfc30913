/**
 * Fuzz targets of what no other package sees: they stand beside what they try.
 *
 * <p>Start reading at {@link io.sluice.proxy.http.Http1RequestTarget}.
 */
@NullMarked
package io.sluice.proxy.http;

import org.jspecify.annotations.NullMarked;
