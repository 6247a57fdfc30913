/** Starting other programs from a daemon that may be killed at any moment. */
@NullMarked
package io.sluice.linux.process;

import org.jspecify.annotations.NullMarked;
