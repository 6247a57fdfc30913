/** Routes of one network namespace, by rtnetlink(7). */
@NullMarked
package io.sluice.linux.route;

import org.jspecify.annotations.NullMarked;
