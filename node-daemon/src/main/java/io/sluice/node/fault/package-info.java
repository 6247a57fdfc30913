/** Points at which a test lets the daemon die, to see that a repeated call mends what it left. */
@NullMarked
package io.sluice.node.fault;

import org.jspecify.annotations.NullMarked;
