/**
 * Starting other programs from a daemon that may be killed at any moment, and ending with the one
 * that started it.
 */
@NullMarked
package io.sluice.linux.process;

import org.jspecify.annotations.NullMarked;
