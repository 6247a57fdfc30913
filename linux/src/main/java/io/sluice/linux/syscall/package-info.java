/**
 * System calls by Panama, for the other packages of this module only: the one place where memory
 * segments exist.
 *
 * <p>Calls return the kernel's own convention: a result of zero or more, or the negated error
 * number. errno is read on failure only. Nothing here throws for a kernel refusal: the caller knows
 * the subject and the hint, and makes the exception.
 */
@NullMarked
package io.sluice.linux.syscall;

import org.jspecify.annotations.NullMarked;
