/** Tests of commands that ask a node. */
@NullMarked
package io.sluice.cli.node;

import org.jspecify.annotations.NullMarked;
