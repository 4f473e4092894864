//! The page as a person sees it: in Chromium, served by the daemon, with registrars on loopback.

mod acts;
mod alerting;
mod browser;
mod looks;
mod many;
mod past;
mod sound;
mod world;

use libtest_mimic::Trial;

use crate::harness::{AXE, CHROMEDRIVER, CHROMIUM};

use acts::*;
use alerting::*;
use looks::*;
use many::*;
use past::*;
use sound::*;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[CHROMIUM, CHROMEDRIVER];
        the_six_words_have_their_colours,
        an_account_shows_registered_an_error_number_or_not_registered,
        a_change_is_seen_within_a_second,
        a_daemon_that_comes_back_is_noticed,
        without_a_place_for_its_state_the_page_says_so,
        the_buttons_register_and_un_register,
        a_link_signs_in_once,
        a_viewer_may_look_and_not_act,
        an_ongoing_alert_has_its_eight_columns_and_says_what_is_not_delivered,
        very_many_alerts_are_shown_page_by_page,
        a_subscription_is_made_by_its_steps_changed_and_deleted,
        a_webhook_is_edited_and_what_is_secret_in_it_is_not_shown,
        all_of_it_goes_by_keyboard,
        an_account_is_found_by_its_name_and_by_its_aor,
        every_view_fits_and_asks_nobody_else_and_complains_of_nothing,
        nothing_that_a_stranger_says_runs,
        seven_days_are_a_strip_and_in_words,
        events_go_back_page_by_page,
        the_axis_of_round_trips_is_whole,
        an_alert_has_the_colour_of_what_was_told,
        ten_thousand_accounts_stay_usable,
    ];
    trials.extend(trials![[CHROMIUM, CHROMEDRIVER, AXE];
        axe_finds_no_serious_fault_in_any_view_in_light_and_dark,
    ]);
    trials
}
