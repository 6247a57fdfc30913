/** Codecs against peers that share no code with them. */
@NullMarked
package io.sluice.proxy.http;

import org.jspecify.annotations.NullMarked;
