/**
 * Starting other programs from a daemon that may be killed at any moment, ending with the one that
 * started it, and the terminal that a process prints to.
 */
@NullMarked
package io.sluice.linux.process;

import org.jspecify.annotations.NullMarked;
