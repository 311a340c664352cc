"""The desk in a real Chromium.

What a reviewer relies on, and the test that shows it:

1. order by influence, others in the address:
   test_the_order_changes_the_first_case_and_is_in_the_address
2. one decision on a group: test_one_decision_closes_a_campaign_of_many_rows_and_accounts
3. why it was held: test_every_signal_is_shown_with_its_value_words_and_record
4. accepted rows and the account beside it:
   test_a_row_stands_beside_accepted_ones_and_leads_to_its_account
5. keys: test_help_lists_exactly_the_keys_that_do_something,
   test_keys_can_be_changed_and_rest_while_somebody_types
6. many at once: test_a_bulk_decision_changes_as_many_rows_as_it_said_and_is_taken_back
7. undo: test_undo_restores_the_case_and_writes_its_own_line
8. leases and two people: test_a_case_that_somebody_has_open_is_kept_for_them,
   test_two_who_differ_are_blind_to_each_other_and_a_third_settles_it
9. the audit log: test_one_changed_byte_turns_the_audit_badge_red
10. privacy: test_reviewers_see_pseudonyms_only,
    test_an_account_is_confirmed_for_a_reason_written_down_and_hidden_again
11. care for people: test_texts_stay_closed_until_somebody_opens_them_and_are_counted,
    test_a_decided_case_is_taken_up_again_after_an_appeal
12. filters and views: test_filters_go_through_the_address_and_views_are_kept
"""
