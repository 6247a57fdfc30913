/** Tests of the demo's parts that need no kernel; the demo itself is its own test as root. */
@NullMarked
package io.sluice.kernel.site;

import org.jspecify.annotations.NullMarked;
