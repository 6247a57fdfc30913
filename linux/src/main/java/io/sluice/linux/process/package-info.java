/**
 * Starting other programs from a daemon that may be killed at any moment, ending with the one that
 * started it, the terminal that a process prints to, and the processors of a thread.
 */
@NullMarked
package io.sluice.linux.process;

import org.jspecify.annotations.NullMarked;
