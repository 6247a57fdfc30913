/** Tests of how processes end. */
@NullMarked
package io.sluice.cli.process;

import org.jspecify.annotations.NullMarked;
