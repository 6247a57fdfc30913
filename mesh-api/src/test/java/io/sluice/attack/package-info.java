/**
 * The line that a test of an attack leaves: what was tried, what refused it, where that is counted.
 * Such tests bear the tag {@code attack}; {@code ./sluice test --only attacks} runs them alone and
 * prints their lines.
 */
@NullMarked
package io.sluice.attack;

import org.jspecify.annotations.NullMarked;
