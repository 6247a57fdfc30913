/** Controller and node in one process, over the real control port; needs no root. */
@NullMarked
package io.sluice.distribution;

import org.jspecify.annotations.NullMarked;
