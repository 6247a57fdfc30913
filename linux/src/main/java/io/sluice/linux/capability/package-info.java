/**
 * What this process may do, and what this kernel can do. Features are found by trying them, never
 * by the kernel's version, since distributions backport.
 */
@NullMarked
package io.sluice.linux.capability;

import org.jspecify.annotations.NullMarked;
