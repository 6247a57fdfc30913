/** Tests of who gets how much. */
@NullMarked
package io.sluice.proxy.limits;

import org.jspecify.annotations.NullMarked;
