/** What the controller counts. Nowhere else registers a collector of its process. */
@NullMarked
package io.sluice.control.metrics;

import org.jspecify.annotations.NullMarked;
