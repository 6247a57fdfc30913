/** How commands that run until they are stopped come to their end. */
@NullMarked
package io.sluice.cli.process;

import org.jspecify.annotations.NullMarked;
