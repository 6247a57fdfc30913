/** How tests wait: for a condition, never for a time. */
@NullMarked
package io.sluice.await;

import org.jspecify.annotations.NullMarked;
