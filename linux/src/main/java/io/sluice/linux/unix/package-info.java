/**
 * Unix stream sockets for local clients that pass descriptors, which the JDK's channels drop. Knows
 * no protocol.
 */
@NullMarked
package io.sluice.linux.unix;

import org.jspecify.annotations.NullMarked;
