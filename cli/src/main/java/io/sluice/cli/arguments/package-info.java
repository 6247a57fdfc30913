/** Forms of arguments that several commands take. */
@NullMarked
package io.sluice.cli.arguments;

import org.jspecify.annotations.NullMarked;
