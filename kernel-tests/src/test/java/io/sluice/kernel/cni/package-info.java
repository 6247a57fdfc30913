/**
 * The CNI plugin as a container runtime uses it: real chains of Debian's plugins in front, real
 * sandboxes, and a program inside that talks from its first instruction.
 */
@NullMarked
package io.sluice.kernel.cni;

import org.jspecify.annotations.NullMarked;
