/** Faults that are really made, and whether {@code check} or {@code why} names them. */
@NullMarked
package io.sluice.diagnosis;

import org.jspecify.annotations.NullMarked;
