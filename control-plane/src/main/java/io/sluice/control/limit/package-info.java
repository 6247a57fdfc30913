/**
 * How often somebody may try, and how many are remembered. Values and counting only: what is
 * counted, and what a refusal says, is the caller's.
 */
@NullMarked
package io.sluice.control.limit;

import org.jspecify.annotations.NullMarked;
